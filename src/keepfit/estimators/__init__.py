"""Ways to learn, and the predictors that answer from what was learned."""
