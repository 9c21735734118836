"""
A strict stand-in for the WebSocket side of API Gateway, on real sockets: where the embedded AWS is kind, this is not.

It checks signatures, counts requests and connects against the account's quotas, answers 410 until a handshake is over,
413 and both kinds of 429, cuts what breaks the protocol (1002, 1003, 1009), the silent and the old. Time is handed in.
What it knows of API Gateway: https://docs.aws.amazon.com/apigateway/latest/developerguide/ ,
"Quotas for configuring and running a WebSocket API", "@connections commands", "$connect and $disconnect routes".
"""
