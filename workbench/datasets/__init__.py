"""Photographs, distorted sets made of them, and splits that never divide a photograph."""
