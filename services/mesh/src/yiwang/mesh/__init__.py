"""A node's place in the mesh while it runs: it makes and keeps the links, relays what others are told, and watches."""
