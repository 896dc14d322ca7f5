"""MIB texts for the tests, written for them."""

from __future__ import annotations

import base64

ROOT = """ACME-ROOT-MIB DEFINITIONS ::= BEGIN
IMPORTS MODULE-IDENTITY, enterprises FROM SNMPv2-SMI;
acme MODULE-IDENTITY
    LAST-UPDATED "202601010000Z"
    ORGANIZATION "ACME"
    CONTACT-INFO "nobody"
    DESCRIPTION "Everything of ACME."
    ::= { enterprises 54321 }
END
"""

BOILER = """ACME-BOILER-MIB DEFINITIONS ::= BEGIN
IMPORTS
    MODULE-IDENTITY, OBJECT-TYPE, NOTIFICATION-TYPE, Integer32, Gauge32 FROM SNMPv2-SMI
    TEXTUAL-CONVENTION, DisplayString FROM SNMPv2-TC
    acme FROM ACME-ROOT-MIB;

boilerMIB MODULE-IDENTITY
    LAST-UPDATED "202601010000Z" ORGANIZATION "ACME" CONTACT-INFO "nobody"
    DESCRIPTION "Boilers of ACME."
    ::= { acme 7 }

Tenths ::= TEXTUAL-CONVENTION DISPLAY-HINT "d-1" STATUS current DESCRIPTION "Tenths of a degree." SYNTAX Integer32

boilerNotifications OBJECT IDENTIFIER ::= { boilerMIB 0 }
boilerObjects OBJECT IDENTIFIER ::= { boilerMIB 1 }

boilerTable OBJECT-TYPE
    SYNTAX SEQUENCE OF BoilerEntry MAX-ACCESS not-accessible STATUS current
    DESCRIPTION "One row for each boiler." ::= { boilerObjects 1 }
boilerEntry OBJECT-TYPE
    SYNTAX BoilerEntry MAX-ACCESS not-accessible STATUS current
    DESCRIPTION "A boiler." INDEX { boilerIndex } ::= { boilerTable 1 }
BoilerEntry ::= SEQUENCE {
    boilerIndex Integer32, boilerName DisplayString, boilerState INTEGER, boilerTemperature Tenths }
boilerIndex OBJECT-TYPE
    SYNTAX Integer32 (1..16) MAX-ACCESS not-accessible STATUS current
    DESCRIPTION "Its number." ::= { boilerEntry 1 }
boilerName OBJECT-TYPE
    SYNTAX DisplayString (SIZE (0..32)) MAX-ACCESS read-write STATUS current
    DESCRIPTION "What the staff call it." ::= { boilerEntry 2 }
boilerState OBJECT-TYPE
    SYNTAX INTEGER { off(1), heating(2), overheated(3) } MAX-ACCESS read-only STATUS current
    DESCRIPTION "What it does." ::= { boilerEntry 3 }
boilerTemperature OBJECT-TYPE
    SYNTAX Tenths UNITS "degrees Celsius" MAX-ACCESS read-only STATUS current
    DESCRIPTION "Temperature of the water." ::= { boilerEntry 4 }

boilerOverheatRaised NOTIFICATION-TYPE
    OBJECTS { boilerName, boilerState, boilerTemperature } STATUS current
    DESCRIPTION "The water is too hot. Somebody should look." ::= { boilerNotifications 1 }
boilerOverheatCleared NOTIFICATION-TYPE
    OBJECTS { boilerName } STATUS current
    DESCRIPTION "The water is cool again." ::= { boilerNotifications 2 }
END
"""

# One definition lacks its end, another names an unknown parent, a third is fine.
BROKEN = """ACME-BROKEN-MIB DEFINITIONS ::= BEGIN
IMPORTS OBJECT-TYPE, Integer32 FROM SNMPv2-SMI
    acme FROM ACME-ROOT-MIB
    lost FROM ACME-LOST-MIB;
unfinished OBJECT-TYPE
    SYNTAX Integer32
    STATUS current
good OBJECT-TYPE
    SYNTAX Integer32 MAX-ACCESS read-only STATUS current
    DESCRIPTION "Fine." ::= { acme 9 }
orphan OBJECT IDENTIFIER ::= { lost 3 }
END
"""

LOST = """ACME-LOST-MIB DEFINITIONS ::= BEGIN
IMPORTS acme FROM ACME-ROOT-MIB;
lost OBJECT IDENTIFIER ::= { acme 11 }
END
"""


def uri(text: str, kind: str = "text/plain") -> str:
    """Text as a data URI."""
    return f"data:{kind};base64,{base64.b64encode(text.encode()).decode()}"
