"""Photos and JPEG masks in, checked records with exact class maps out."""
