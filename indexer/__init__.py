"""The arithmetic: pixels to vectors, vectors to neighbours; arrays in, arrays out, no SQL and no HTTP."""
