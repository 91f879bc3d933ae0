"""The model that is trained: an SVM on MNIST."""
