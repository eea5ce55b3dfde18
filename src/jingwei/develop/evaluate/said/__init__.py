"""What an answer says: amounts, dates, names, options and citations, read without a model, in Chinese and English."""
