"""IoU over the whole data set by TFMA, and the gate that decides whether a model may be served."""
