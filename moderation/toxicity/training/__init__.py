"""How the shipped toxicity model is made: corpora, contrast sets, training, quantisation. Not used at run time."""
