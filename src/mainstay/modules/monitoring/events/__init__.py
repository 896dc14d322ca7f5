"""Events: one row per problem, whoever reports it and however often, with the state that operators work with."""
