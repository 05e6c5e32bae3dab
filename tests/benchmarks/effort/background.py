"""What is learned while a simulated person goes on: it costs nobody's time, and serves from when it would be there.

A job is asked for as soon as there are labels enough, those of a reference project among them. It runs for real, and
the seconds that it took here count on the person's clock (acts, looks and waits so far): until then the person works
with what was before. One after the other, as one worker would.
"""

from tests.benchmarks.effort.person import Person

SPACE_AT, TWICE = 500, 2.0  # labels of the first learned space; so many times as many for the next
INSTANT_S = 0.001


class Background:
    """`helps`: kinds of jobs that are asked for, of "classifier", "space", "embedder": what is short comes first.

    `first`: labels before the first classifier, where no reference teaches one at once; `again`: so many times as many
    for the next. `embedder_at`: labels before an embedder is trained, and again when they have doubled, where that is
    before there are `embedder_until` of one's own: later it would come too late.
    """

    def __init__(
        self, person: Person, helps: list[str], first: int, again: float, embedder_at: int, embedder_until: int
    ) -> None:
        self.person, self.first, self.again, self.embedder_until = person, first, again, embedder_until
        elsewhere = person.n_reference
        starts: dict[str, int] = {
            "classifier": 0 if elsewhere else first, "space": SPACE_AT - elsewhere, "embedder": embedder_at - elsewhere,
        }  # fmt: skip
        self.next: dict[str, int] = {what: start for what, start in starts.items() if what in helps}
        self.due: dict[str, float] = {}

    def turn(self) -> set[str]:
        """Between two pages: ask for what is to be learned now; returns what has come into force."""
        arrived = {what for what, second in self.due.items() if second <= self.person.diary.spent()}
        for what in sorted(arrived):
            del self.due[what]
            self.person.ask("show", what)
        if "embedder" in arrived:
            # A space is of the former vectors, and gone; what they predicted serves until it is predicted anew.
            self.due.pop("space", None)
            self.next.update({what: len(self.person.done) for what in self.next if what != "embedder"})
        for what in list(self.next):
            if what not in self.due and len(self.person.done) >= self.next[what]:
                self._begin(what)
        return arrived

    def is_coming(self, what: str) -> bool:
        return what in self.due

    def wait_for(self, what: str) -> None:
        """Do nothing until it is there, where it is on its way at all."""
        self.turn()
        while what in self.due:
            self.person.diary.wait(what, max(self.due[what] - self.person.diary.spent(), 0) + INSTANT_S)
            self.turn()

    def _begin(self, what: str) -> None:
        seconds = self.person.ask("learn", what)
        self.person.diary.background(what, seconds)
        self.due[what] = max([self.person.diary.spent(), *self.due.values()]) + seconds
        done, elsewhere = len(self.person.done), self.person.n_reference
        doubled = round((done + elsewhere) * TWICE) - elsewhere
        if what == "classifier":
            self.next[what] = max(round(done * self.again), self.first, 1)
        elif what == "space" or doubled <= self.embedder_until:
            self.next[what] = doubled
        else:
            del self.next[what]
