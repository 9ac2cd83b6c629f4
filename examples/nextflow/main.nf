// Counts the letters of each word file in a task of its own, then adds them up. A word without letters fails.
params.words = "$projectDir/../words"

process count {
    input:
    path word

    output:
    path "${word.baseName}.count"

    script:
    """
    grep -o '[a-z]' $word | wc -l > ${word.baseName}.count
    """
}

process total {
    input:
    path counts

    output:
    stdout

    script:
    """
    awk '{ sum += \$1 } END { print sum }' $counts
    """
}

workflow {
    channel.fromPath("${params.words}/*.txt") | count | collect | total | view
}
