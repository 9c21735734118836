"""
The REST API: one file for each endpoint, one Lambda for each file.

An endpoint's file holds a plain verb, which is handed its request, clients, clock and chance, and `handler`, which
Lambda calls. The other files are what the verbs share: one noun each.
"""
