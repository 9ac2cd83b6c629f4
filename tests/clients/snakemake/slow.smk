# A job that says it has begun, and then takes too long.
rule slow:
    output:
        "slow.txt",
    params:
        started=config["started"],
    shell:
        "touch {params.started}; sleep 600; touch {output}"
