"""Language codes of the catalog: ISO 639-1, two letters."""

from __future__ import annotations

from collections.abc import Iterable

_PAIRS = """
afr=af als=sq amh=am ara=ar arb=ar asm=as aze=az azj=az bak=ba bel=be ben=bn bod=bo bos=bs bre=br bul=bg
cat=ca ces=cs chv=cv cos=co cym=cy dan=da deu=de div=dv ekk=et ell=el eng=en epo=eo est=et eus=eu fao=fo
fas=fa fin=fi fra=fr fry=fy gla=gd gle=ga glg=gl guj=gu hat=ht hau=ha heb=he hin=hi hrv=hr hun=hu hye=hy
ibo=ig ind=id isl=is ita=it jav=jv jpn=ja kan=kn kat=ka kaz=kk khm=km kin=rw kir=ky kor=ko kur=ku lao=lo
lat=la lav=lv lin=ln lit=lt ltz=lb mal=ml mar=mr mkd=mk mlg=mg mlt=mt mon=mn mri=mi msa=ms mya=my nep=ne
nld=nl nno=nn nob=nb nor=no npi=ne nya=ny oci=oc ori=or orm=om ory=or pan=pa pes=fa pol=pl por=pt pus=ps
ron=ro run=rn rus=ru san=sa sin=si slk=sk slv=sl sna=sn snd=sd som=so sot=st spa=es sqi=sq srp=sr sun=su
swa=sw swe=sv swh=sw tam=ta tat=tt tel=te tgk=tg tgl=tl tha=th tir=ti tsn=tn tso=ts tuk=tk tur=tr uig=ug
ukr=uk urd=ur uzb=uz vie=vi wol=wo xho=xh yid=yi yor=yo zho=zh zsm=ms zul=zu
"""

_TWO_LETTER = """
aa ab ae af ak am an ar as av ay az ba be bg bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee el en
eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is it iu ja
jv ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb
nd ne ng nl nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm sn so sq
sr ss st su sv sw ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu
"""

_THREE_TO_TWO = dict(pair.split("=") for pair in _PAIRS.split())
_CODES = frozenset(_TWO_LETTER.split())


def two_letter(codes: Iterable[str]) -> tuple[str, ...]:
    """The ISO 639-1 codes of languages named by any mixture of ``eng-Latn``, ``deu_Latn`` and ``fr``.

    Languages without a two-letter code are left out.
    """
    bare = (code.replace("_", "-").partition("-")[0].lower() for code in codes)
    found = {_THREE_TO_TWO.get(code, code) for code in bare}
    return tuple(sorted(found & _CODES))
