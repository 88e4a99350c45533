"""The bounds that codecs enforce, gathered from the settings."""

from dataclasses import dataclass

from moderation.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractLimits:
    """What a message may hold. See the settings of the same names for units and defaults."""

    max_message_bytes: int
    max_payload_bytes: int
    max_id_chars: int
    max_attributes: int
    max_attribute_chars: int
    max_list_items: int

    @classmethod
    def of(cls, settings: Settings) -> "ContractLimits":
        """The limits that `settings` ask for."""
        contracts = settings.contracts
        return cls(
            max_message_bytes=settings.kafka.max_message_bytes,
            max_payload_bytes=settings.audio.max_payload_bytes,
            max_id_chars=contracts.max_id_chars,
            max_attributes=contracts.max_attributes,
            max_attribute_chars=contracts.max_attribute_chars,
            max_list_items=contracts.max_list_items,
        )
