#!/usr/bin/env python3
"""Trains a support vector machine on all folds but one, and prints its accuracy on that one.

    luthier tune --num-runs 24 --folds 5 --metric accuracy --param C=0.01:1000:log --param gamma=1e-5:1:log -- \\
        python train.py --C :C: --gamma :gamma: --fold :fold:
    luthier best --test 'python score.py --C :C: --gamma :gamma:'
"""

from sklearn.model_selection import StratifiedKFold

from digits import options, parts, svm

FOLDS = 5

parser = options()
parser.add_argument("--fold", type=int, default=0, help="which fold is held out, from 0")
chosen = parser.parse_args()
(images, labels), _ = parts()
# The folds are the same in every trial: each is compared with the others fold by fold.
folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0).split(images, labels)
training, held_out = list(folds)[chosen.fold]
model = svm(chosen).fit(images[training], labels[training])
print(f"accuracy={model.score(images[held_out], labels[held_out]):.6f}")
