#!/usr/bin/env python3
"""Counts the letters of each word file in a task of its own, then adds them up.

letters.py JOBSTORE [Toil's options] --words DIR --total FILE
"""
import os

from toil.common import Toil
from toil.job import Job

SMALL = {"cores": 1, "memory": "256Mi", "disk": "64Mi"}


def count(job, word):
    with open(job.fileStore.readGlobalFile(word)) as file:
        letters = len(file.read().strip())
    if letters == 0:
        raise ValueError("a word without letters")
    return letters


def total(job, counts):
    file = job.fileStore.getLocalTempFile()
    with open(file, "w") as out:
        out.write("%d\n" % sum(counts))
    return job.fileStore.writeGlobalFile(file)


def count_all(job, words):
    counts = [job.addChildJobFn(count, word, **SMALL).rv() for word in words]
    return job.addFollowOnJobFn(total, counts, **SMALL).rv()


def main():
    parser = Job.Runner.getDefaultArgumentParser()
    parser.add_argument("--words", required=True)
    parser.add_argument("--total", required=True)
    options = parser.parse_args()
    with Toil(options) as toil:
        if options.restart:
            result = toil.restart()
        else:
            folder = os.path.abspath(options.words)
            words = [
                toil.importFile("file://" + os.path.join(folder, name))
                for name in sorted(os.listdir(folder))
            ]
            result = toil.start(Job.wrapJobFn(count_all, words, **SMALL))
        toil.exportFile(result, "file://" + os.path.abspath(options.total))


if __name__ == "__main__":
    main()
