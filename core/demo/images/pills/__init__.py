"""The demo's pills: kinds of good tablets and capsules, drawn, and photographed in a studio and by a phone."""
