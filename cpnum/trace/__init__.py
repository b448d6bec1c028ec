"""Function to Graph: the function is run once on tracers, which write down what it does."""
