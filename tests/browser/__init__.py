"""The pages as people use them: a real Chromium, a real server, the demo world."""
