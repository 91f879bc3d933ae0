"""Published contract tests: whoever writes a searcher, a stopper, a store or a runner inherits them and knows.

Each module holds one contract as a class of pytest tests with a method or two to override. They are part of the
package, so that an implementation elsewhere is held to the same promises as ours.
"""
