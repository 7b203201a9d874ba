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
many numerous several
much
what which whichever
where whereabouts
number count counts counted counting quantity tally total amount sum totals tallied
far distant away apart distance distances separation separate separates separated gap gaps \
spacing clearance remote farther further
near nearest close closest closer nearer nearby adjacent proximity neighbor neighboring
least smallest shortest minimum minimal lowest fewest littlest tiniest narrowest min
most largest biggest longest greatest maximum maximal highest widest tallest max utmost
long length lengthwise dimension dimensions extent extents extended tall wide deep height width \
lengths lengthways depth breadth heights widths high longer
size sizes sized big large bigger larger huge bulky massive
area surface square squares spacious roomy footprint sqm sq squared
floor ground
room place apartment here inside bedroom rooms flat house home studio
stand standing stands stood sit sitting sits seated wait waiting waits lean leaning leans sat \
leaned park parked parks perch perched perches squat squatting loiter loitering
face facing faces faced look looking looks looked see sees seeing seen viewed watch watches \
watching gaze gazes gazing stare stares staring stared peer peers peering glance glances \
glancing eye eyes eyeing watched facings
by at beside besides alongside against next
from
between among amongst amid
left
right
back behind rear backward backwards backside
front forward forwards ahead frontward
front-left
front-right
back-left rear-left
back-right rear-right
side sides direction way
space
edge edges corner corners middle center top bottom
measure measures measured measuring measurement measurements read reads figure
centimeters centimeter centimetres centimetre cm cms
meters meter metres metre m mtr mtrs
object objects thing things item items ones stuff
toward towards
the a an this that these those
is are am was were be been being
and
or
of
to
in
if when while once whenever suppose supposing imagine imagining assume assuming
i me my mine myself you your yours we us our someone somebody anyone person u ur yourself \
ourselves whoever
"""

_OTHERS = """
able about above absolutely accept accident across actual actually add afraid after afternoon
again age ago agree agreed ain't alike all allow almost alone along aloud already also although
altogether always answer any anybody anyhow anything anyway anyways anywhere apologies apparently
appear appears appreciate approximately aren't argue around arrange arrive as ashamed aside ask
asks asleep assistance ate attention aunt auntie awake awful awfully awkward bad badly barely
based basic bear because become before begin beginning begins begun believe below beneath best bet
bets better beyond bit bits blah bless boss both bother bought boy boys brief briefly bring bro
broke broken brother brothers brought bucks buddy builder busy but buy bye calculate call calm
came can cannot care career careful carpenter carried carry catch caught certain certainly chance
change chap chat check cheers child children choose chore chosen christ class clean clear clearly
client clue colleague come comes comfortable comfy common compare compared complete completely
confirm confused confusing consider considering continue convenient cool correct cos could
couldn't couple course cover covers crawl create cross curious customer cut cuz dad daddy dance
dare darling daughter dead deal dear decent decide deliver depend depends describe detail details
determine did differ difference different difficult dinner direct directed directly dirt distinct
dizzy do doctor does doesn't doing don't done double-check doubt down downstairs dozen dream drive
driver drop drove dude due dunno during each ears earth easily easy eat eh eight either elbow
electrician eleven else email employee end ends english enough entire entirely equal er estate
estimate estimated etc even evening ever every everybody everyday everyone everything everywhere
evidently exact exactly exam example excellent except exchange excited excuse exist exists expect
express extra extremely face-on fact fair fairly fall family famous fancy fast faster father favor
favorite favour fear feel feels feet fell fella fellow fellows felt few figured find finds fine
finger fingers finish finished first fit fits five fix flatmate flew fly folks follow following
for foremost forget forgot form former fortunately found four free freely fresh fret friend
friends full fully fun funny game games gave gentleman gentlemen gently get gets girl give given
gives glad go goes going gonna good goodbye goodness gosh got gotta gotten grab gran grandad
grandma grandpa granny grateful great greatly grew guess guest guests guide guy guys ha had half
hand hands handy happen happens happy hard hardly harm has hate have haven't having he he'd he'll
head head-on heading heads hear heard heart heaven heavy heck held hello help helper her here's
hers herself hey hi hid hidden hide hiding him himself hint hire his hit hm hmm hold holiday
honest honestly honey hope hopefully hopes hoping hour hours how's however hug huh human hundred
hung hungry hurry hurt husband i'd i'll i'm i've idea ideally ignore ignoring immediate important
incidentally include indeed indicate info inform information inquire insist insists instance
instant intend interested into invite isn't it it'd it'll it's its itself job joke journey jump
just keep kept kid kids kind kinda kindly kindness knee knees knew know known knows ladies lady
laid landlord largely last late lately later laugh lay lazy lead leap learn learned leave led
left-hand leg legs lend less lesson let let's level lie lies life lift like likely line lines lit
live located lol lord lose lost lot lots loud loudly love loved lovely loves luck luckily lucky
lying ma'am mad madam made main mainly make makes man manage manager manner march mark master mate
mates math maths matter matters may maybe mean means meant meantime meet memory men mention
mentioned merely mess message met metric mid midday midst might million mind minute minutes miss
missing mistake mister mom moment moments mommy money month months more morning mother motion move
movement mover movers moving mr mrs ms mum mummy must nah name name's names nan nanny naturally
neat neck need needed needs neighbour neighbours neither nephew nervous never new newly nice
nicely niece nine no nobody noise none nope nor normal normally nose not note noted nothing notice
noticed now now's nowhere obvious obviously occupies occupy occur odd off offer offhand often oh
ok okay old older on one only onto oops open opinion opposite option options order ordinary
original other others otherwise ouch ought ours out outer outside over overall own owner pace
paces pack packed packing paid pair panic pardon parents part partner parts party pass passed
passing past patient pause pay paying people people's per perfect perfectly perhaps permit phrase
pick pity placed places plan planned planning plans play player playing please pleased pleasure
plenty pls plumber plus plz point point's points polite pop popped popping pops position
positioned possible possibly potential practical precise precisely prefer prepare present pretend
pretended pretending prettily pretty price prior probable probably problem proper properly provide
purpose purposes put puzzle puzzled quest question questions queue quick quickly quiet quietly
quit quite quiz ran random rang rank rapidly rate rather reach ready real realise realize really
reason reasonable recall recent reckon reckons regard regarding regards regular relation relative
relevant rely remain remember remind rent rental repeat reply report require required respect
respectively respond response responsible result rid riddle ride right-hand road rode rose rough
roughly round route rude rule run runs rush sad safe safely said sake sale same sang sat saw say
saying says scan scared school score search second second-hand secret seem seems send sent
sentence separately seriously serve service set settle seven shall shame sharp she she'd she'll
shift shook shop should shoulder shoulders shout show shown shows shut sick sight sign silly
similar simply since single sir sister sisters situated six skip sleep sleepy slept slight
slightly slow slowly smart snap so soft sold solid solve some someday something sometime sometimes
somewhere son sons soon sorry sort sorta sorts sounds speak speaking special specific specifically
speech spell spend spent spin spoke spot spots spotted spread standpoint start starters starting
starts state stated statement stay stayed stays step steps sticky still stop story straight
straight-line straightest strange stranger strict strictly strong struggle stuck student stupid
such sudden suddenly sure surely surprise surprised swap swear sweet sweetheart sweetie swing sym
symbol ta take taken takes taking talk talks task taught teach teacher team tell tells ten tenant
term terms test text than thank thanked thankful thanks that'd that'll that's their theirs them
themselves then there there'd there's thereabouts therefore they they're thing's think thinking
thinks third tho though thought thoughts thousand three threw through throughout thus thx tidy
tight till times tiny tip tired today toddler toe toes together told tomorrow tonight tonne too
took topic touch tough tourist trade trail travel trip trouble true truly trust truth try trying
tryna turn turned turning turns twelve twice two type uh ultimately um uncle unclear under
understand understood uneasy unfortunately unless unlike unpack unsure until up upon upstairs
urgent urgently use used user using usual usually utter utterly value values van various versus
very via view viewpoint views visible visit visiting visitor visual visually vital void vs walk
walked walking wanna want wants warm warn wasn't ways we'd we'll we're we've wee week weeks weird
well went weren't what's whatever whatnot whatsoever where's whereas wherever whether who who'd
who'll who's whole whom whoops whose why wife will wise wish wit with within without woke woman
women won won't wonder wonderful wondering wonders word words work worked worker working world
worried worry worse worst worth would wow write wrong wrote y'all ya yard yards yeah year years
yep yes yesterday yet you'd you're young younger youngest yup zero
"""

_VERBS = """
accept adjust admit advise aim align amaze apply approach arrange arrive assess attach avoid
balance bang belong bend border bother bounce brush bump buy calculate carry catch charge chase
check circle claim clean clear climb combine compute confirm connect contain cover crash crawl
creep cross crouch dangle dare dash deal deliver demand describe detect direct discover dodge drag
draw drift drop dwell ease encounter ensure enter escape examine expect explain explore extend
fetch figure fill finish fix flip float follow forget fret gather gauge glimpse grab greet grow
guess guide happen hate haul head hesitate hide hire hit hobble hold hop hover hug hunt hurl hurry
hurtle identify ignore indicate inform inspect install intend introduce invite join jot jump keep
kick kneel knock label lay leap leave link list listen live load locate loom lug lurk manage
maneuver manoeuvre march mention mind miss mount move need neighbor neighbour nestle note observe
obtain occupy occur order organise organize orient orientate pace pack paint park pass pause peek
perform pick pin pivot plan plonk plop point polish pop pose pour prefer pretend print proceed
protect prove provide pull push put raise recall reckon refer rely remember remind remove rent
repeat replace reply request reside respond rest rise roam roll rotate run rush scan scream search
seek select sell separate settle shift shout shove shuffle sketch skip slide slot snap sneak
snuggle span speak specify spin spot sprawl spread squash squeeze squint stack stare start step
store stretch stride stroll struggle stumble suggest swap swing swivel tackle talk tend thank
think throw thrust tidy tilt tiptoe toss total touch track travel trip trot trust tuck tug twist
type unload unpack visit wander whisper wonder worry wrap yell zoom
"""
"""Verbs that say little, with what they become by rule: -s, -ed, -ing."""

_THINGS_ON_LY = frozenset(
    [
        "assembly",
        "belly",
        "bully",
        "butterfly",
        "doily",
        "dolly",
        "family",
        "holly",
        "jelly",
        "lily",
        "supply",
        "trolly",
    ]
)
"""Words on -ly that may be things; all others are adverbs."""

_AFTER = frozenset(
    re.findall(
        "[a-z]+",
        "balance brush can case cover figure float label loom mount pack pin rest slide stack "
        "stand step swing unit",
    )
)
"""Words that end a name when they stand right behind one, though they are verbs elsewhere: trash
can, tv stand, foot rest, bed cover, copper loom."""

_WORDS = re.compile(r"[a-z][a-z'-]*")
_SHORT = re.compile(r"(.+?)(n't|'ll|'re|'ve|'d|'m|'s|s')")
_ADVERB_FROM = 5


@cache
def _lexicon() -> dict[str, str]:
    found = dict.fromkeys(_WORDS.findall(_OTHERS), "<w>")
    for verb in _VERBS.split():
        found |= dict.fromkeys(_becomes(verb), "<w>")
    for line in _SAME.strip().split("\n"):
        words = line.split()
        found |= dict.fromkeys(words, words[0])
    return found


def _becomes(verb: str) -> tuple[str, ...]:
    """A verb and what it becomes by rule; forms that nobody uses do no harm."""
    stem = verb.removesuffix("e")
    third = f"{verb[:-1]}ies" if verb.endswith("y") else f"{verb}s"
    past = f"{verb[:-1]}ied" if verb.endswith("y") else f"{stem}ed"
    twice = verb + verb[-1]
    return verb, third, f"{verb}es", past, f"{stem}ing", f"{twice}ed", f"{twice}ing"


def heads() -> frozenset[str]:
    """What words are read as."""
    return frozenset(_lexicon().values()) - {"<w>"}


def read_as(word: str, after: str = "") -> str | None:
    """The word that ``word`` is read as, ``<w>`` for any that says little; ``None``: it may be a
    part of a name. ``after`` is the name's word right before it, if there is one."""
    word = word.lower()
    if after and word in _AFTER:
        return None
    if (known := _lexicon().get(word)) is not None:
        return known
    short = _SHORT.fullmatch(word)
    if short is not None and (known := _lexicon().get(short[1])) is not None:
        return known
    adverb = word.endswith("ly") and len(word) >= _ADVERB_FROM and word not in _THINGS_ON_LY
    return "<w>" if adverb else None
