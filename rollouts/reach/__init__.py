"""Ways to servers that users name: which addresses may be asked, and the words for what went wrong there."""
