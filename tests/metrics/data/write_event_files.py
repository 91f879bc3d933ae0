"""Wrote the event files beside it, with TensorFlow 2.21 and Keras 3.15, which are too heavy to be installed for tests.

    pip install tensorflow-cpu==2.21.0 keras==3.15.1 && python write_event_files.py

The host in the files' names was replaced.
"""

import keras
import numpy as np
import tensorflow as tf

keras.utils.set_random_seed(0)
x = np.random.rand(200, 4).astype("float32")
y = (x.sum(1) > 2).astype("int32")
layers = [keras.layers.Dense(8, activation="relu"), keras.layers.Dense(2, activation="softmax")]
model = keras.Sequential(layers)
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
board = keras.callbacks.TensorBoard("keras", histogram_freq=1)
model.fit(x, y, epochs=3, validation_split=0.2, callbacks=[board], verbose=2)

kinds = [tf.float32, tf.float64, tf.int32, tf.int64, tf.bool, tf.bfloat16, tf.float16]
kinds += [tf.uint8, tf.uint32, tf.uint64, tf.int8, tf.int16]
writer = tf.summary.create_file_writer("tensorflow")
with writer.as_default():
    for step, kind in enumerate(kinds):
        tf.summary.write(f"raw/{kind.name}", tf.cast(1, kind), step=step)
        tf.summary.write(f"zero/{kind.name}", tf.cast(0, kind), step=step)
    tf.summary.scalar("s", -2.5, step=3)
    tf.summary.scalar("nan", float("nan"), step=4)
    tf.summary.write("one", tf.constant([7.0]), step=1)
    tf.summary.write("many", tf.constant([7.0, 8.0]), step=1)
    tf.summary.text("t", "hallo", step=1)
    tf.summary.histogram("h", [1.0, 2.0], step=1)
    tf.summary.image("im", tf.zeros([1, 4, 4, 3]), step=1)
    tf.summary.write("neg", tf.constant(-3, tf.int64), step=1)
    tf.summary.write("neg32", tf.constant(-3, tf.int32), step=1)
writer.close()
