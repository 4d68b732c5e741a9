"""Makes queueing_reference.json: M/M/c queues in exact fractions, and paths simulated by Ciw.

Made with Python 3.11 and Ciw 3.2.7 (event simulation, Palmer et al. 2019, Journal of Simulation
13). Erlang B and C are summed from their defining series with fractions.Fraction, without any
recursion or rounding; the exponential in P(wait > t) is taken with 50 decimal digits.
"""

import json
import random
from decimal import Decimal, getcontext
from fractions import Fraction
from math import factorial
from pathlib import Path

import ciw

getcontext().prec = 50

#: Load in Erlang, booths.
LOADS = [("1/2", 1), ("9/10", 1), ("3", 4), ("3", 5), ("15/2", 8), ("19/2", 10), ("45", 50)]
LOADS += [("98", 100), ("485", 500), ("1/10", 30)]
#: Arrivals per hour, mean seconds, minutes, share.
QUESTIONS = [(60, 45, 5, "1/20"), (120, 60, 5, "1/20"), (120, 90, 5, "1/10"), (300, 90, 2, "1/100")]
QUESTIONS += [(300, 75, 0, "1/5"), (3000, 120, 1, "1/1000")]
BOOTHS = [1, 3, 6]


def erlang(load, booths):
    """Return Erlang B and Erlang C as fractions."""
    terms = [load**k / factorial(k) for k in range(booths + 1)]
    blocked = terms[-1] / sum(terms)
    delayed = terms[-1] * booths / (booths - load)
    return blocked, delayed / (sum(terms[:-1]) + delayed)


def decimal(value):
    """Return a fraction with 50 digits."""
    return Decimal(value.numerator) / Decimal(value.denominator)


def longer(load, booths, waits):
    """Return P(wait > ``waits`` mean times in the booth)."""
    return decimal(erlang(load, booths)[1]) * (-decimal((booths - load) * waits)).exp()


def queue(text, booths):
    """Return one steady state; the wait in mean times in the booth."""
    load = Fraction(text)
    blocked, waiting = erlang(load, booths)
    return {
        "load": float(load),
        "booths": booths,
        "erlang_b": float(blocked),
        "erlang_c": float(waiting),
        "mean_wait": float(waiting / (booths - load)),
        "longer_than_half": float(longer(load, booths, Fraction(1, 2))),
    }


def needed(rate, seconds, minutes, share):
    """Return the fewest booths, by trying every number from the load on."""
    load = Fraction(rate * seconds, 3600)
    booths = int(load) + 1
    limit = decimal(Fraction(share))
    while longer(load, booths, Fraction(60 * minutes, seconds)) >= limit:
        booths += 1
    return {
        "arrivals_per_hour": rate,
        "service_seconds": seconds,
        "max_wait_minutes": minutes,
        "max_share": float(Fraction(share)),
        "booths": booths,
        "share_longer": float(longer(load, booths, Fraction(60 * minutes, seconds))),
    }


def path(arrivals, service, booths):
    """Return the moments of entering a booth, in order of arrival, according to Ciw."""
    gaps = [b - a for a, b in zip([0, *arrivals], arrivals, strict=False)]
    network = ciw.create_network(
        arrival_distributions=[ciw.dists.Sequential([*gaps, 1e6])],
        service_distributions=[ciw.dists.Sequential(service)],
        number_of_servers=[booths],
    )
    simulation = ciw.Simulation(network)
    simulation.simulate_until_max_time(1e5)
    records = sorted(simulation.get_all_records(), key=lambda r: r.arrival_date)
    return [round(r.service_start_date, 9) for r in records]


def main():
    """Write the file beside this script."""
    rng = random.Random(1)
    arrivals, now = [], 0.0
    for _ in range(80):
        now += rng.expovariate(2)
        arrivals.append(round(now, 4))
    service = [round(rng.lognormvariate(0, 0.8), 4) for _ in arrivals]
    content = {
        "queues": [queue(*case) for case in LOADS],
        "needed": [needed(*case) for case in QUESTIONS],
        "path": {
            "arrivals": arrivals,
            "service": service,
            "starts": {str(c): path(arrivals, service, c) for c in BOOTHS},
        },
    }
    target = Path(__file__).with_suffix(".json")
    target.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


main()
