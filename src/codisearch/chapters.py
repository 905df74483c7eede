"""The chapters of ICD-10-CM."""

from typing import Final

from codisearch.errors import InputError

CHAPTERS: Final[dict[str, str]] = {
    "01": "Certain infectious and parasitic diseases",
    "02": "Neoplasms",
    "03": (
        "Diseases of the blood and blood-forming organs and certain disorders involving the immune mechanism"
    ),
    "04": "Endocrine, nutritional and metabolic diseases",
    "05": "Mental, behavioral and neurodevelopmental disorders",
    "06": "Diseases of the nervous system",
    "07": "Diseases of the eye and adnexa",
    "08": "Diseases of the ear and mastoid process",
    "09": "Diseases of the circulatory system",
    "10": "Diseases of the respiratory system",
    "11": "Diseases of the digestive system",
    "12": "Diseases of the skin and subcutaneous tissue",
    "13": "Diseases of the musculoskeletal system and connective tissue",
    "14": "Diseases of the genitourinary system",
    "15": "Pregnancy, childbirth and the puerperium",
    "16": "Certain conditions originating in the perinatal period",
    "17": "Congenital malformations, deformations and chromosomal abnormalities",
    "18": "Symptoms, signs and abnormal clinical and laboratory findings, not elsewhere classified",
    "19": "Injury, poisoning and certain other consequences of external causes",
    "20": "External causes of morbidity",
    "21": "Factors influencing health status and contact with health services",
    "22": "Codes for special purposes",
}
"""Official titles by number in two digits."""


def check_chapter(value: str) -> str:
    """Return a chapter's number in two digits: `9` becomes `09`.

    Raises:
        InputError: If there is no such chapter.
    """
    number = value.strip().zfill(2)
    if number not in CHAPTERS:
        raise InputError(f"Unknown chapter {value!r}: allowed are the numbers 1 to {len(CHAPTERS)}.")
    return number
