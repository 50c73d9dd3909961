"""The demo shop: a made-up plant and home shop of two years, the same for the same day every time."""
