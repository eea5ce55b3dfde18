"""The pages, one module a room: a mapping from services to a view, and the routes that show it."""
