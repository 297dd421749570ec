"""What customers write in mails, forms and reviews, in four languages, for the rules of a policy to look at."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Matter:
    """A subject and what is to be said about it."""

    subject: str
    text: str


MATTERS: dict[str, tuple[Matter, ...]] = {
    "nl": (
        Matter("Bestelling nog niet ontvangen", "Vorige week heb ik een tuinstoel besteld. Wanneer wordt die bezorgd?"),
        Matter("Vraag over mijn factuur", "Op de factuur staat de btw er twee keer op. Kunt u dat nakijken en een nieuwe sturen?"),
        Matter("Kapot aangekomen", "De lamp zat gebroken in de doos. Ik ben daar niet blij mee, wat nu?"),
        Matter("Offerte voor twintig bureaus", "Graag ontvangen wij een offerte voor twintig bureaus, geleverd in Gent."),
        Matter("Grasmaaier start niet", "Na het opladen knippert er een rood lampje en gebeurt er niets."),
        Matter("Retour", "De hoes past niet. Hoe stuur ik hem terug, en wanneer krijg ik mijn geld?"),
    ),
    "fr": (
        Matter("Commande en retard", "Ma commande devait arriver mardi et le suivi n'a pas bougé depuis. Où est-elle ?"),
        Matter("Facture", "Il manque notre numéro de TVA sur la facture. Pouvez-vous la corriger ?"),
        Matter("Article abîmé", "Le plateau de la table est rayé sur toute la longueur. Je demande un remplacement."),
        Matter("Demande de devis", "Nous voudrions un devis pour trente chaises de bureau, livraison à Namur."),
        Matter("Question sur un produit", "Cette perceuse est-elle livrée avec deux batteries ou une seule ?"),
        Matter("Réclamation", "C'est la troisième fois que j'écris et personne ne me répond. C'est inacceptable."),
    ),
    "de": (
        Matter("Lieferung verschieben", "Wir sind nächste Woche nicht zu Hause. Lässt sich die Lieferung auf Montag verschieben?"),
        Matter("Rechnung fehlt", "Zu meiner letzten Bestellung habe ich keine Rechnung bekommen. Bitte schicken Sie sie mir."),
        Matter("Falscher Artikel", "Bestellt war ein grauer Sessel, gekommen ist ein grüner. Wie geht es weiter?"),
        Matter("Angebot", "Bitte machen Sie uns ein Angebot über zwölf Hochbeete samt Lieferung nach Aachen."),
        Matter("Gerät verbindet sich nicht", "Die Steckdose findet das WLAN nicht, obwohl das Telefon daneben es sieht."),
        Matter("Rückgabe", "Das Zelt ist zu klein. Kann ich es zurückgeben, obwohl es schon einmal aufgebaut war?"),
    ),
    "en": (
        Matter("Where is my parcel", "The tracking page says delivered, but nothing has come to my door."),
        Matter("Invoice in the wrong name", "Could you issue the invoice to our company instead of to me?"),
        Matter("Quote, please", "We are looking for forty stacking chairs. What would you charge, and how soon?"),
        Matter("It will not switch on", "The speaker was charged all night and still shows no light at all."),
        Matter("Complaint about the driver", "Your driver left the box in the rain. The furniture inside is ruined."),
        Matter("Which of the two", "Is the heavier trimmer better suited to a hedge of two metres?"),
    ),
}

FOLLOW_UPS: dict[str, str] = {
    "nl": "Bedankt voor uw antwoord. Kunt u mij ook zeggen hoe lang dat duurt?",
    "fr": "Merci de votre réponse. Combien de temps cela va-t-il prendre ?",
    "de": "Vielen Dank für die Antwort. Wie lange wird das ungefähr dauern?",
    "en": "Thank you for your answer. How long is that going to take?",
}
THANKS: dict[str, str] = {"nl": "Dank u wel", "fr": "Merci beaucoup", "de": "Vielen Dank", "en": "Thank you"}
AWAY: dict[str, Matter] = {
    "nl": Matter("Automatisch antwoord: afwezig", "Ik ben tot maandag afwezig en lees mijn mail daarna."),
    "fr": Matter("Réponse automatique : absence", "Je suis absent jusqu'à lundi et lirai mon courrier ensuite."),
    "de": Matter("Automatische Antwort: abwesend", "Ich bin bis Montag nicht da und lese meine Post danach."),
    "en": Matter("Automatic reply: out of office", "I am away until Monday and will read my mail after that."),
}
WROTE: dict[str, str] = {"nl": "U schreef:", "fr": "Vous avez écrit :", "de": "Sie schrieben:", "en": "You wrote:"}
ANSWERS: dict[str, str] = {
    "nl": "Wij hebben het voor u uitgezocht en in orde gemaakt. Laat het weten als er nog iets is.",
    "fr": "Nous avons fait le nécessaire. N'hésitez pas à nous écrire s'il reste une question.",
    "de": "Wir haben es geprüft und in Ordnung gebracht. Melden Sie sich gern, wenn noch etwas offen ist.",
    "en": "We have looked into it and put it right. Do write again if anything is left open.",
}
NAMES = ("Anna", "Bram", "Chloé", "Dirk", "Élise", "Finn", "Greta", "Hugo", "Inès", "Jonas", "Karin", "Luc", "Mila", "Noor", "Otto")
SURNAMES = ("Claes", "Dubois", "Fischer", "de Wit", "Lambert", "Maes", "Neumann", "Oliver", "Schäfer", "van Loon", "Wouters")
DOMAINS = ("kunden.example", "clients.example", "klanten.example", "customers.example")
