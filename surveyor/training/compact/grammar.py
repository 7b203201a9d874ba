"""What a question may be asked by: patterns of clauses, of every ``[a|b|c]`` one.

Written by what has to be said (who stands where, what is faced, what is asked, what may be
answered), each in many ways and in every order; little of it is tied to one sentence. Names stand
as ``{a}``, ``{b}``, ``{c}``, made-up words as ``{x}``.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations

BEFORE = (
    "[|||||||Please, |Could you say: |Quick question: |I wonder: |Tell me, |Can you work out: |"
    "OK so |Hey, |Sorry, |Well, |Let's see: |Help me out. |So, |Right then, |"
    "My {x} asks: |For the {x}: |I have a {x}. |My {x} [is broken|won't fit|says hello]. |"
    "[I|We] [bought|need|want|like|lost] [a|the|my|some] {x}[ and |, so |. ]|"
    "[We|I] [move|leave|pack|start] [soon|today|tomorrow]. |Before [I|we] [buy|order|fetch] "
    "[the|a|] {x}, |My [mum|boss|wife|friend] [says|asks|wants to know|wonders]: |"
    "I [need|want|have] to know[: |, ]|[Can|Could|Would] you [tell me|say|figure out|check][: |, |"
    " please, ]|Tell me [please|quickly|something]: |]"
)
AFTER = (
    "[|||||||, roughly|, approximately|, as precisely as possible|, please| pls|, thanks|, mate|"
    ", dear|, would you say|, do you think|, you reckon|, in your estimate|, asks the {x}|"
    ", as the {x} says|? I [need|want] it for [my|the] {x}|? [It is for|Mind] the {x}|? Thanks|"
    "? [Be|Say it] [exact|quick]]"
)
_N = "{a}[(s)|(s)|(s)|(s)|]"
_HERE = (
    "[here|in here|in [this|the|my|our] [room|place|apartment|flat|house]|inside this room|around|"
    "about|in all|there|[standing|sitting] [around|about|here]||||]"
)
_METERS = (
    "[||||in [meters|metres|meter|m]|(in meters)|, measured in meters,|, in metres,|? [in|Say it "
    "in|"
    "Answer in|I need it in|] [metres|meters|m]]"
)
_CENTIMETERS = (
    "[||||in [centimeters|centimetres|cm|centimeter]|(in cm)|, measured in centimeters,|, in cm,|"
    "? [in|Say it in|Answer in|I need it in|] [cm|centimetres]]"
)
_SQUARE = (
    "[||||in square [meters|metres|meter]|(in square meters)|in sqm|, in m2,|, in square metres,|"
    "? [in|Say it in|Answer in|] [square metres|sqm]]"
)
_ARE = "[are there|do [you|I|we] [see|find|have|spot|get]|exist|can [you|I] [find|spot|see]|is it|]"
_TELL = "[give|give me|find|name|tell me|say|measure|determine|state|work out|I need|I want|get me]"

COUNT = (
    f"how many {_N} {_ARE} {_HERE}",
    f"how many {_N} does [this|the] [room|place|apartment|flat] [have|hold|include|show]",
    f"[count|count up|number|tally|add up|spot] [the|all the|every|each|all|] {_N} {_HERE}"
    "[|| and [tell me|say|give me] [the number|how many|the total]]",
    "[what is|what's|which is|say|tell me|I need|give me|find|I want] the [number|total number|"
    f"count|total|amount|quantity|tally] [of|for] [the|all|] {_N} {_HERE}",
    f"[in here|in this room|here], how many {_N} [are there|do you see|in total|]",
    f"[the|all the|] {_N} {_HERE}[:| -|,] how many[| are there| are they| of them| do I have| is "
    f"it]",
    f"[of|out of] {_N}, how many [are|do you see|are there] {_HERE}",
    f"[I see|There are|We have|I've got] [some|several|many] {_N} {_HERE}. How many[| of them|"
    " exactly| in all| are there| did I see]",
    f"if [I|you|we|someone] [counted|went round and counted|add up] [every|each|the|all] {_N} "
    f"{_HERE}, [what|which] [would be|is] the [number|total|sum|result]",
    f"if [I|you|we|someone] counted [every|each|the|all] {_N} {_HERE}, [how many|what number|"
    "what total] would [it be|I get|they have|there be]",
    f"[each|every] {_N} counts[, | once: ]how many is that [altogether|in total|in all|]",
    f"{_N}: [number|count|total|quantity|how many][| please]",
    f"[I|we] [have to|need to|must|want to] [move|cover|carry|buy|label] [every|each|all the] {_N} "
    f"{_HERE}. [How many|What number|What total] [is|are|would] [that|it|there|they]",
    f"[is|are] there [one|only one|a] {_N} [or|or maybe] [more|many|several]? [Say|Tell me|Give me|"
    "] how many",
    f"how many [times|places] [do I|would you|can I] [see|find] [a|the] {_N} {_HERE}",
)
_GAP = "[distance|gap|separation|space|clearance|room|way|stretch|length]"
_BOTH = "[[the|] {a} and [the|] {b}|[the|] {a} and [the|] {b}|the {a} and the {b}]"
DISTANCE = (
    f"how far is [it from|] [the|] {{a}} [from|to|away from|off] [the|] {{b}} {_METERS}",
    f"what [is|would be] the [|shortest|direct|smallest|straight|straight-line] {_GAP} "
    f"[from the {{a}} to|between the {{a}} and] the {{b}} {_METERS}",
    "how many [meters|metres|meter] [are|lie|is it|would it be|do I need] [between the {a} and|"
    "from the {a} to] the {b}",
    f"how far [apart are|away from each other are|apart is] {_BOTH} {_METERS}",
    f"in [meters|metres], how [far apart|far from each other|distant|many] are {_BOTH}",
    f"between {_BOTH}, [what is the|how much] {_GAP} [is there|is|] {_METERS}",
    f"{_TELL} the {_GAP} [of|from|between|in meters between] {_BOTH} {_METERS}",
    f"{_TELL} [how far|the distance] [from|it is from|] the {{a}} [to|is from] the {{b}} {_METERS}",
    f"how [close|near|closely] [is the {{a}} to|are the {{a}} and] the {{b}} {_METERS}",
    "[if|when] [I|you|someone|a {x}] [walk|go|move|measure|crawl|run|stretch a {x}|pull a {x}] "
    "[straight|directly|] [from|between] the {a} [to|over to|and] the {b}, [how|so how] [far|long|"
    "many meters|many metres] [is it|is that|is the way|do I get|must it be]",
    f"[from|] the {{a}} to the {{b}}[: |, | - ]how [far|many meters|long a way|much distance][| "
    f"is it]"
    f" {_METERS}",
    "[the|] {a} and [the|] {b}[: |, ]how many meters [apart|between them|lie in between|is that|]",
    "[starting|beginning] at the {a}, how [far|many meters] [do I go|is it|do I walk] to "
    "[reach|get to|touch] the {b}",
    f"{{a}} [to|-|and] {{b}}[: |, |? ][distance|how far|gap|in meters|how far apart] {_METERS}",
    "[would|does|could|how long must] [a|the|my] {x} [of some length|] [reach|touch|go|fit|"
    "stretch] "
    "[between|from] the {a} [and|to] the {b}[, and|?] how many [meters|metres] [is|are] [it|that|"
    "needed|the {x}]",
    f"the {{a}} [is|seems|looks] [far|a long way|close|near|some way] [from|to|off] the {{b}}. "
    f"[How far|How much|What is it|How close|How many meters] [exactly|really|is it|] {_METERS}",
    "[I|we] [need|have|want] [a|some] {x} [to go|that goes|running|] [from|between] the {a} "
    "[to|and] the {b}[: |. |, ]how [long|many meters|far] [is that|must it be|is it]",
    f"[what|which|how big] is the [smallest|shortest|least|closest] [distance|gap|way|space] "
    f"[that separates|you find between|between] {_BOTH} {_METERS}",
    f"{_TELL}, {_METERS}, [what|how far|the gap that] separates {_BOTH}",
)
_LONGEST = "[longest|largest|biggest|widest|greatest|maximum|most long]"
_SIDE = "[side|dimension|extent|measurement|direction|length|edge|part|way|size]"
_BIG = "[long|big|large|tall|wide|high|deep]"
_LWH = (
    "[of|taking|among|out of|from] [its|] [length, width and height|height, width and length|width"
    ", depth and height|length, breadth and height]"
)
SIZE = (
    f"how {_BIG} is [the|] {{a}} [in its longest dimension|at most|at its {_LONGEST}|over its "
    f"{_LONGEST} {_SIDE}|along its {_LONGEST} {_SIDE}|] {_CENTIMETERS}",
    f"what [does|is] the {_LONGEST} {_SIDE} of [the|] {{a}} [measure|come to|] {_CENTIMETERS}",
    "how many [centimeters|centimetres|cm] [is the longest [side|dimension|part] of the {a}|does "
    "the {a} measure|long is the {a}|does the {a} [take up|stretch|have|go]] "
    f"[at most|on the {_LONGEST} {_SIDE}|]",
    f"{_LWH}, [what is|which is|how many cm is] the [longest|largest] of the {{a}} {_CENTIMETERS}",
    f"{_LWH} of the {{a}}, [the|say the|give me the] [greatest|largest|longest|biggest] [is how "
    f"many"
    " cm|in cm|one|is what]",
    f"what is the [maximum|maximal|largest|greatest] {_SIDE} of the {{a}} {_CENTIMETERS}",
    f"in [centimeters|cm], how {_BIG} is the {{a}} [at most|at the most|]",
    f"{_TELL} the {_LONGEST} {_SIDE} of the {{a}} {_CENTIMETERS}",
    f"[the|] {{a}}[: |, | - ]how {_BIG} is [it|its longest side] {_CENTIMETERS}",
    f"[the|] {{a}}[: |, | - |. ]{_LONGEST} [{_SIDE}|] {_CENTIMETERS}",
    f"what size [has|is] the {{a}} [along|over|in] its {_LONGEST} {_SIDE} {_CENTIMETERS}",
    "if [I|you] [measured|put a {x} along|lay a {x} on|hold a {x} to] the {a}"
    f"[| the longest way| on its {_LONGEST} {_SIDE}], how many [centimeters|cm] [long|large|] "
    "[would it be|does it read|is it|do I get|would it show]",
    "[I|you|we] [want to move|have to buy room for|put a cover over|must carry|push] [the|my] {a}"
    f"[|| through a {{x}}| into the {{x}}| up the {{x}}]. [How {_BIG} is it [at most|]|What is its "
    f"{_LONGEST} {_SIDE}|What is the {_LONGEST} {_SIDE} of it] {_CENTIMETERS}",
    f"[will|does|would|can] [the|my|this] {{a}} [fit|go|pass|get] [in|into|through|on] [a|the|my] "
    f"{{x}}? [{_TELL} its|What's its|How many cm is its] {_LONGEST} {_SIDE} {_CENTIMETERS}",
    f"[how many cm|how many centimetres|what length|how long] [does|would] [the|my] {{a}} [have|be|"
    f"reach|measure|stretch] [where it is|on its|along its|at its] {_LONGEST}[ {_SIDE}|]",
    f"is [the|my] {{a}} [bigger|longer|larger] than [me|a {{x}}|I am]? [Say|Tell me|] [how many cm|"
    f"how {_BIG}] [it is|is it] [at most|where it is {_LONGEST}|on the {_LONGEST} {_SIDE}]",
    "[I move|look at|take|there is|I have|someone sells|about] the {a}[. |, |: |; ]"
    f"[what is|how long is|{_TELL}|how many cm is] [its|the] {_LONGEST} {_SIDE} [of it|] "
    f"{_CENTIMETERS}",
    f"[whichever way|however] you turn it, [what|how long|how many cm] is the {_LONGEST} "
    f"{_SIDE} of [the|that] {{a}} {_CENTIMETERS}",
)
_PLACE = "[this|the|my|our|] [room|place|floor|apartment|flat|bedroom|ground]"
AREA = (
    f"how many [square [meters|metres|meter]|sqm|m2] [does|has|is|are in] {_PLACE} [have|cover|]",
    f"how [large|big|wide|many square meters] is {_PLACE} {_SQUARE}",
    f"what is the [floor area|area|surface|size|size of the floor|floor space|floor size|"
    f"footprint] "
    f"[of {_PLACE}|here|in here|] {_SQUARE}",
    f"what area does [the floor|this room|this place] [cover|have|take up] {_SQUARE}",
    f"how much [floor|floor space|area|surface|room|space|square meter] [does this room have|is "
    f"there|"
    f"do we have|do I have|has it] {_HERE} {_SQUARE}",
    f"{_TELL} the [size|area|surface|square meters|floor size] of {_PLACE} {_SQUARE}",
    f"{_PLACE}[: |, | - ]how [big|large|many square meters|much square meter|many sqm] is it",
    f"{_PLACE} [size|area|surface|square meters][| please| pls] {_SQUARE}",
    "how [big|large] [is it|] in here [overall|altogether|in all|] ",
    "if [I|you] [measured|covered|painted|laid {x} on] the [whole|entire|] floor, how many square "
    "meters would it [be|have|take]",
    "[to|I want to|we have to|I must] [cover|paint|lay|clean|lay new {x} on|put {x} on|buy {x} "
    "for] "
    "the [whole|entire|] floor[, |: |. ]how [many|much] [square meters|sqm|area|{x} in square "
    "meters]"
    " [do I need|are needed|is that|is it|]",
    "[I|we] [need|buy|order|have to lay|want] [new|some|] {x} for [the|this|my] [room|floor|"
    "place][. |"
    ": |, so ]how many [square meters|square metres|sqm] [is it|am I dealing with|do I order|is "
    "that|]",
    "how many [squares|{x}|squares of one meter] [of one meter|of one square meter|] would [fit|"
    "go] on "
    "[the|this|my] [floor|ground|room] [all over|]",
    "[what|how many square meters] [would|will|does] the [whole|entire|] [floor|room|ground] "
    f"[come to|add up to|measure|have] {_SQUARE}",
    f"what [would|does] [a|the] {{x}} [say|print|write|put down] [for|as] the [area|size|"
    f"surface] of "
    f"{_PLACE} {_SQUARE}",
)
_NEAR = "[nearest|closest|the nearest|the closest|most near|next|least far]"
_WHICH = "[which|which one|what|which thing|which object|who]"
_AMONG = "[of|among|out of|from|between|]"
NEAREST = (
    f"{_WHICH} {_AMONG} [these: |these, |] {{b}} is {_NEAR} to [the|] {{a}}",
    f"{_WHICH} is {_NEAR} [to|from] [the|] {{a}}[: |, |? |, is it |? Choose from |? Is it the |, "
    f"out of "
    "|, among ]{b}",
    f"{_AMONG} [these objects|the following|these|] ({{b}}), {_WHICH} is {_NEAR} to the {{a}}",
    "what is the {a} [closest|nearest|next] to[: |? |, ]{b}",
    f"{_WHICH} {_AMONG} {{b}} has the [smallest|shortest|least] [distance|way|gap] [to|from] the "
    f"{{a}}",
    f"the {{a}} is {_NEAR} to which of [these|the following|them][: |, |? ]{{b}}",
    f"{_WHICH} do you [find|see|reach|meet|touch|hit] {_NEAR} to the {{a}}: {{b}}",
    f"of [the objects|] {{b}}, [name|pick|choose|tell me] the {_NEAR} [to|one to] the {{a}}",
    f"{{b}}[: |, | - |. ]{_WHICH} [of them|one|] is {_NEAR} to [the|] {{a}}",
    f"[compare|look at|consider|take|here are|I see|there are] {{b}}. {_WHICH} [of them|] is "
    "[the|] [least distant|nearest|closest] [from|to|off] the {a}",
    f"[I am|someone is|you are|I stand|I sit|a {{x}} is] at the {{a}}[. |, ]{_WHICH} [of these|] "
    f"is "
    "[closest|nearest|the shortest way off|the least far|right by][: |? |, ]{b}",
    "from the {a}, which is the [shortest|smallest] [distance|way|walk|hop|step][: to |: |, to |"
    "? ]{b}",
    "[going|walking|looking|starting] from the {a}, which [comes|would come|do I reach|do I hit|"
    "do I "
    "touch] first[: |, |? |: the ]{b}",
    f"what [stays|stands|is|lies|sits] {_NEAR} to the {{a}}[, |? ][is it|] {{b}}",
    f"{_NEAR} to [the|] {{a}}[: |? |, ]{{b}}",
    "[if|when] [I|you|a {x}] [fall|reach out|drop something|move|stretch|stumble] [at|by|from] "
    "the {a}, "
    f"{_WHICH} {_AMONG} {{b}} [is|do I hit|do I touch|comes|would be] [first|nearest|closest]",
    f"{_WHICH} [has|needs] the [shortest|least] [way|walk|distance|hop|step] [over|] to the {{a}}"
    "[? |: |, ][Pick from|Choose|Pick one of|] {b}",
    "[rank|sort|order] {b} by [how far|distance|how near] [they are|] [from|to|off] the {a} "
    "[and tell me|and give me|:] the [first|nearest|closest]",
    "[one|only one] of {b} [is|sits|stands|lies] [right by|nearest|closest to|next to|close to] "
    "the "
    "{a}[. |: |, ]Which [one|of them|is it|is the nearest]",
    "the {a} [has|wants|needs] a [{x}|neighbour]. {b}[: |, ]which [is|lives|stands] [nearest|"
    "closest]",
    "[I move|I sit at|look at|take|there is|I stand by|someone needs|about] the {a}[. |, |: |; ]"
    "[which|what|who] [of {b} is|is, of {b},] [nearest|closest|next] [to it|]",
    "[I move|I sit at|look at|take|there is|I stand by|someone needs|about] the {a}[. |, |: |; ]"
    "[which|what|who] is [nearest|closest|next|most near] [to it|][: |, |? ]{b}",
    "the {a}[: |, ]which [is|of them is] its [nearest|closest] [{x}|neighbour|one|], {b}",
)

_WHO = "[I|I|you|we|someone|a person|he|my {x}]"
_AT = "[by|at|next to|right beside|near|close to|right at|over by|against|beside|on]"
_STANDS = (
    f"[stand|standing|positioned|stay|stop|wait|seated|sit|lean|park|place myself|remain|am|is|put "
    f"myself|take up position|pause|hold|am placed|] {_AT} [the|the|]"
)
_STAND = (
    f"{_WHO} [am|is|are|] {_STANDS} {{a}}",
    f"{_STANDS} {{a}}",
    f"{_AT} the {{a}}",
    "[go|walk|move|get|come|step|head|run|hop|pop|run over] [over|up|across|along|] to the {a}",
    "from [where I am at|beside|] [the|] {a}",
    "[starting|viewed|seen|start] [at|from|by] the {a}",
    "[with|] [the|] {a} [is|being|] [next to me|at my side|behind me|at my back|where I stand|"
    "where I "
    "am|my spot|right beside me|touching me]",
    "[with|] [my|my|] back [is|] [to|against|touching|on|at|by] the {a}",
    "[off|around|along|onto|over|outside|up to] the {a}",
    "[my|the] [place|spot|position|spot to stand|starting point] is [at|by|] the {a}",
)
_LOOKS = (
    "[facing|face|looking at|look at|look towards|looking toward|look straight at|turned to|turn "
    "to|"
    "turn towards|watch|watching|stare at|gaze at|look over to|look across at|eyes on|see|"
    "pointing at|"
    "point my {x} at|aimed at|turn until I see|eye|keep an eye on|directed to|oriented towards]"
)
_FACE = (
    f"{_LOOKS} [the|the|] {{b}}",
    f"{_WHO} [am|is|are|] {_LOOKS} the {{b}}",
    "[with|] [the|] {b} [is|being|lies|] [in front|in front of me|straight ahead|before me|dead "
    "ahead "
    "of me|in view|what I face|what I look at|in my sight]",
    "[my|the] [eyes|face|look|gaze|view|front|nose] [is|are|goes|points|turned|on|looks|] [to|"
    "toward|on|"
    "at] [the|] {b}",
    "[what I see|what I look at|what I face|in front of me|ahead of me] is the {b}",
    "[don't|not|never] [look away|take my eyes off] [from|] the {b}",
    "toward[|s] the {b}",
    "[point|aim|direct|turn|pointing|turning] [a|the|my|his] {y} [at|to|toward] the {b}",
)
_THEIRS = (
    "[a|the|my] {x} [stands|is|sits|waits|] [by|next to|at|near] the {a} [and|, |] [faces|looks at|"
    "points at|points its {y} at|aims a {y} at|is turned to|looks toward] the {b}"
)
_SEEN_BY = (
    "[||||||||[from|in|as seen from|for] [its|his|her|my|that] "
    "[view|place|eyes|spot|side|{z}][, | ]]"
)
_MENTION = (
    "[I|we|you] [carry|bring|want|put|need|look for|lost|hunt for|move] [the|a] {c} [in|here|]",
    "[there is|I see|here's|we have|take|imagine] [the|a] {c} [here|in the room|]",
    "[there is|I see|here are|we have|take|imagine] [the|a] {a}, [the|a] {b} and [the|a] {c}",
    "[there is|I see|here are|we have|take|imagine] [the|a] {c}, [the|a] {a} and [the|a] {b}",
    "[there is|I see|here are|we have|take|imagine] [the|a] {b}, [the|a] {c} and [the|a] {a}",
    "[there is|I see|here are|we have] [the|a] {b} and [the|a] {a} [here|]",
    "[I|we] [have|see|own|bought|moved] [a|the|my] {x} [and a {y}|]",
)
_GET = "[see|find|get|spot|have|expect|notice|look for|search|reach|meet]"
_ASK = (
    "[where|whereabouts] [is|do I {get}|would you {get}|would I {get}|lies|stands|hides] the {{c}}"
    "{among}",
    "[on|to] [which|what] side [is|do I {get}|lies|of me is|of you is] [the|] {{c}}{among}",
    "[in|] [which|what] [direction|way] [is|do I go to|do I look for|to go for|to] the "
    "{{c}}{among}",
    "[is|lies|would|does] the {{c}} [be|lie|appear|stand|] {choice}",
    "[do|would|can|should|will] [I|you|someone|my {{x}}] {get} the {{c}} {choice}",
    "[the|] {{c}}[: |, | - ][is it |is that |it is |where is it: |]{choice}",
    "[the|] {{c}} is [which|where|what|on which side|in what direction]{among}",
    "[do|must|should] I [go|turn|look|reach|point|walk|roll] {choice} [to|for] [see|find|get|"
    "reach|touch|"
    "] the {{c}}",
    "to [find|reach|get to|see|grab] the {{c}}, [do I go|do I turn|must I look|which way do I "
    "go, is it] "
    "{choice}",
    "{choice}[: |, | - ][which|where|what] [is it for|is|describes|fits] the {{c}}",
    "[I|we|you] [want|need|look for|carry|search|miss] the {{c}}. [Is it|Where is it,|Which way,|"
    "It is] "
    "{choice}",
    "[tell me|say|which is it,] {choice}[, |: |] [for|about|where] the {{c}}",
    "[would|do] you say [the|] {{c}} is {choice}",
    "[which of|one of|which one:] {choice}[, |] [is|fits|describes|holds for] the {{c}}",
    "[would|could|should] [a|the|my] {{z}} {get} the {{c}} {choice}",
)


def directions(sides: Sequence[str]) -> tuple[str, ...]:
    """Ways to ask on which of these sides something is, clauses and sides in many orders."""
    told = []
    for order in permutations(sides):
        *first, last = order
        told += [
            f"{', '.join(first)}[,| ,|] or {last}",
            f"{'/'.join(order)}",
            f"{', '.join(order)}",
            f"{' or '.join(order)}",
            f"on [the|my|your] {' or '.join(order)}",
            f"to [the|my|your] {', '.join(first)} or {last}",
            f"to [the|my] {', to the '.join(first)} or to [the|my] {last}",
            f"{', '.join(f'{side} of me' for side in first)} or {last} [of|] me",
        ]
    choice = f"[{'|'.join(told)}]"
    among = f"[: {choice}|, {choice}|, is it {choice}| ({choice})|? {choice}|; choose {choice}]"
    asks = "|".join(one.format(get=_GET, choice="\0", among="\1") for one in _ASK)
    asks = asks.replace("\0", choice).replace("\1", among)
    stand, face = f"[{'|'.join(_STAND)}]", f"[{'|'.join(_FACE)}]"
    and_ = "[and|and|and|while|, |, and|with|. |; |, then|, ]"
    so = "[, |, |: |. |. |; | - |? |, so |, then |. Now ]"
    if_ = "[if|when|suppose|imagine|assume|say|once|let's say|pretend|||||]"
    late = "[if|when|once|while|for someone|for a person who is|, if|, when|, |supposing|given]"
    both = (
        f"[{stand} {and_} {face}|{stand} {and_} {face}|{stand} {and_} {face}|{face} {and_} {stand}|"
        f"{face} {and_} {stand}|{_THEIRS}]"
    )
    asks = f"{_SEEN_BY}[{asks}]"
    mention = f"[{'|'.join(_MENTION)}]"
    it = "[is it|it is|which side is it,|where is it,|do I look|where do I look,|it must be|]"
    return (
        f"{if_} {both}{so}{asks}",
        f"{if_} {both}{so}{asks}",
        f"{asks} {late} {both}",
        f"{asks} {late} {both}",
        f"{if_} {stand}{so}{asks} {late} {face}",
        f"{if_} {face}{so}{asks} {late} {stand}",
        f"{mention}[. |, |; |: ]{if_} {both}{so}{asks}",
        f"{mention}[. |, |; |: ]{asks} {late} {both}",
        f"[I need|I want|where is|find|about|I look for|get me|] the {{c}}{so}{if_} {both}{so}"
        f"{it} {choice}",
        f"{choice}[? |: |. | - ]{if_} {both}{so}[where is|what about|which is it for|] the {{c}}",
    )
