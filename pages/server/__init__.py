"""What stands between the network and Streamlit: who is let in, what a browser may send, and how much it may upload."""
