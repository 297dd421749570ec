"""What the crowd says. Written for the demo; the engine never looks at it."""

QUESTIONS: dict[str, tuple[str, ...]] = {
    "nl": (
        "Waar blijft mijn bestelling?",
        "Ik heb een verkeerde maat ontvangen, kan ik ruilen?",
        "Klopt het bedrag op mijn factuur wel?",
        "Past deze fietstas ook op een vouwfiets?",
    ),
    "fr": (
        "Où en est ma commande ?",
        "Le colis est arrivé abîmé, que dois-je faire ?",
        "Pouvez-vous m'envoyer la facture en français ?",
        "Cette lampe convient-elle pour l'extérieur ?",
    ),
    "de": (
        "Wo bleibt meine Bestellung?",
        "Kann ich die Lieferung auf nächste Woche verschieben?",
        "Auf der Rechnung fehlt meine Umsatzsteuernummer.",
        "Ist dieses Zelt auch für Winter geeignet?",
    ),
    "en": (
        "Where is my order?",
        "I would like a quote for forty chairs.",
        "The app does not let me log in.",
        "Do you deliver to Luxembourg?",
    ),
}
REPLIES = (
    "Goedemiddag, ik kijk het even na.",
    "Bonjour, je regarde tout de suite.",
    "Guten Tag, einen Moment bitte.",
    "Hello, let me check.",
)
FOLLOW_UPS = ("Dank u.", "Merci bien.", "Danke schön.", "Thanks a lot.")
SUBJECTS = ("Retour ontvangen, terugbetalen", "Devis à relancer", "Rechnung prüfen", "Address change to confirm")
LANGUAGES = ("nl", "fr", "de", "en")
LANGUAGE_WEIGHTS = (45, 25, 20, 10)
