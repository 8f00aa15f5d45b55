package import Elements

/// The keys of both directions of one stream, as offer and answer settled them.
package struct KeyPair: Hashable, Sendable {
  /// What we protect with.
  package let send: MasterKey
  /// What the other side protects with.
  package let receive: MasterKey

  package init(send: MasterKey, receive: MasterKey) {
    (self.send, self.receive) = (send, receive)
  }
}

/// SDES offer and answer (RFC 4568 §7.1): the offer lists suites, the answer takes one.
package enum KeyExchange {
  /// Attributes to offer, one for each suite, each with a key of its own.
  package static func offer(
    _ profiles: [ProtectionProfile] = ProtectionProfile.allCases, using dice: inout Dice
  ) -> [KeyingAttribute] {
    profiles.enumerated().map { index, profile in
      KeyingAttribute(tag: index + 1, key: MasterKey(random: profile, using: &dice))
    }
  }

  /// Answers an offer with a fresh key, in the first suite of `preference` that was offered.
  ///
  /// `offered` are the values of the `a=crypto` attributes; those we cannot take are passed over. Nil:
  /// none is left, and the stream must be refused (RFC 4568 §7.1.2).
  package static func answer(
    _ offered: [[UInt8]], preference: [ProtectionProfile] = ProtectionProfile.allCases,
    using dice: inout Dice
  ) -> (attribute: KeyingAttribute, keys: KeyPair)? {
    let known = offered.compactMap(KeyingAttribute.init(parsing:))
    for profile in preference {
      guard let chosen = known.first(where: { $0.key.profile == profile }) else { continue }
      let ours = MasterKey(random: profile, using: &dice)
      return (
        KeyingAttribute(tag: chosen.tag, key: ours), KeyPair(send: ours, receive: chosen.key)
      )
    }
    return nil
  }

  /// Reads the answer to an offer of ours.
  ///
  /// Nil unless it has exactly one attribute, with the tag and the suite of an offered one (RFC 4568
  /// §7.1.3) and not with our own key.
  package static func accept(_ answered: [[UInt8]], offer: [KeyingAttribute]) -> KeyPair? {
    guard answered.count == 1, let answer = KeyingAttribute(parsing: answered[0]),
      let ours = offer.first(where: { $0.tag == answer.tag }),
      ours.key.profile == answer.key.profile, ours.key.material != answer.key.material
    else { return nil }
    return KeyPair(send: ours.key, receive: answer.key)
  }
}
