"""English words that are no things, so that whatever else a question has may be one.

A closed list: function words, common verbs and adverbs, and the words of space. Words that say the
same where rooms are talked about are read as one, by the first of their line.
"""

from __future__ import annotations

import re
from functools import cache

_SAME = """
how
many numerous
much
what which whichever
where whereabouts
number count counts counted counting quantity tally total amount sum
far distant away apart distance separation separate separates separated gap spacing clearance
near nearest close closest closer nearer nearby adjacent proximity neighbor neighboring
least smallest shortest minimum minimal lowest fewest
most largest biggest longest greatest maximum maximal highest widest tallest
long length lengthwise dimension dimensions extent extents extended tall wide deep height width
size sizes big large
area surface square spacious roomy footprint sqm
floor ground
room place apartment here inside
stand standing stands stood sit sitting sits seated wait waiting waits lean leaning leans
face facing faces faced look looking looks looked see sees seeing watch watches watching gaze gazing
by at beside alongside against next
from
between among amongst amid
left
right
back behind rear backward backwards
front forward ahead
front-left
front-right
back-left rear-left
back-right rear-right
side direction way sides
measure measures measured measuring measurement measurements read reads figure
centimeters centimeter centimetres centimetre cm
meters meter metres metre
object objects thing things item items
toward towards
the a an this that these those
is are am was were be been being
and
or
of
to
in
if when while once whenever suppose supposing imagine imagining assume assuming
i me my mine myself you your yours we us our someone somebody one anyone person
"""

_OTHERS = """
about above across after again all almost along already also although always any anybody anything
approximately around as aside based because before below beneath best better beyond both but can
cannot could did do does doing done down during each either else end ends enough even ever every
everybody everything exact exactly few first for full given had has have having he her hers herself
him himself his hopefully however into it its itself just kindly last less let like likely lot lots
mainly may maybe might more must neither never no nobody none nor not nothing now off often on only
onto other others otherwise ought out over own per perhaps please pretty probably quite rather
really roughly same second several shall she should simply since so some something somewhere soon
still straight straightest such than thanks their them then there they third though through
throughout thus together too twice two under until up upon usually very via well went whatever
whether who whom whose why will with within without would yes yet directly direct possible precise
precisely actually again altogether overall actual main single different correct true whole entire
add allow answer appear appears ask asks become begin believe bring buy call come comes consider
continue count cover covers create decide describe determine ends estimate estimated expect fall
feel find finds found finish fit fits follow get gets give gives given go goes going guess happen
hear help hold include keep know known knows lead learn leave let lie lies lying live located
situated placed positioned position make makes mean means meet move name need needed needs notice occupy
occupies offer open pay pick play point points provide put reach remain report require required run
runs say says seem seems send serve set show shows shown start starting starts state stay stop take
taken takes taking talk tell tells think told touch try turn turned turning turns understand use
used using visible walk walked walking want wants wish work write
i'd i'll i'm i've it's let's that's there's they're we'd we're what's where's who's won't you'd
you're isn't aren't don't doesn't couldn't how's
"""

_AFTER = frozenset({"can", "stand", "rest"})
"""Words that end a name when they stand right behind one: trash can, tv stand, foot rest."""

_WORDS = re.compile(r"[a-z][a-z'-]*")


@cache
def _lexicon() -> dict[str, str]:
    found = dict.fromkeys(_WORDS.findall(_OTHERS), "<w>")
    for line in _SAME.strip().split("\n"):
        words = line.split()
        found |= dict.fromkeys(words, words[0])
    return found


def heads() -> frozenset[str]:
    """What words are read as."""
    return frozenset(_lexicon().values()) - {"<w>"}


def read_as(word: str, after: str = "") -> str | None:
    """The word that ``word`` is read as, ``<w>`` for any that says little; ``None``: it may be a
    part of a name. ``after`` is the name's word right before it, if there is one."""
    word = word.lower()
    if after and word in _AFTER:
        return None
    return _lexicon().get(word)
