"""What each page shows, as frozen values: a page's mapping fills them from services, its template only writes them."""
