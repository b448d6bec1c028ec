"""Function to Graph: the function runs once on tracers, and a builder writes down nodes."""
