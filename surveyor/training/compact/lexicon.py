"""English words that are no things, so that whatever else a question has may be one.

A closed list: function words, common verbs and adverbs, and the words of space. Words that say the
same where rooms are talked about are read as one, by the first of their line.
"""

from __future__ import annotations

import re
from functools import cache

_SAME = """
how
s
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
face facing faces faced look looking looks looked see sees seeing seen viewed watch watches watching
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
side sides direction way
space
edge edges corner corners middle center top bottom
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
i me my mine myself you your yours we us our someone somebody anyone person
"""

_OTHERS = """
about above across actual actually add after again all allow almost along already also although
altogether always answer any anybody anything appear appears approximately aren't around as aside
ask asks based because become before begin beginning begins begun believe below beneath best
better beyond both bring but buy call can cannot choose chosen come comes compare compared
consider continue correct could couldn't count cover covers create decide describe determine did
different direct directly do does doesn't doing don't done down during each either else end ends
enough entire estimate estimated even ever every everybody everything exact exactly exist exists
expect fall feel few find finds finish first fit fits follow following for found full get gets
give given gives go goes going guess had happen has have having he hear help her hers herself him
himself his hold hopefully how's however i'd i'll i'm i've include into isn't it it's its itself
just keep kindly know known knows last lead learn leave less let let's lie lies like likely live
located lot lots lying main mainly make makes may maybe mean means meet might more move must name
need needed needs neither never no nobody none nor not nothing notice now occupies occupy off
offer often on one only onto open other others otherwise ought out over overall own pay per
perhaps pick placed play please point points position positioned possible precise precisely pretty
probably provide put question quick quite rather reach really remain report require required
result roughly run runs same say says second seem seems send serve set several shall she should
show shown shows simply since single situated so some something somewhere soon start starting
starts state stay stayed stays still stop straight straightest such take taken takes taking talk
tell tells than thanks that's their them then there there's they they're think third though
through throughout thus together told too touch true try turn turned turning turns twice two under
understand until up upon use used using usually very via view views visible walk walked walking
want wants we'd we're well went what's whatever where's whether who who's whole whom whose why
will wish with within without won't wonder wondering work would write yes yet you'd you're
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
