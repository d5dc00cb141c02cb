"""What Streamlit has no widget for: plain HTML, CSS and JavaScript, each beside its module."""
