"""`make test-containers`: the real images, the compose stack and the end-to-end path on a container engine.

Where no engine answers, Debian's is installed and run privately; where no registry answers, base and server images are
made from Debian packages and wheels. Nothing of that is needed to operate a node.
"""
