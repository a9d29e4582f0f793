"""The pages of signing in, their cookies, and the way to an OpenID provider."""
