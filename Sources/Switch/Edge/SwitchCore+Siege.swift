import Elements
import Guard

// Floods that would fill the sockets' queues: strangers are thinned out where that costs least.

extension SwitchCore {
  /// Looks at what was turned away since the last time, by us and by the kernel.
  mutating func lookAround(dropped: ByFamily<UInt64>, refusal: String?, at now: Now) {
    let before = sieges.map(\.share)
    for isV4 in [true, false] {
      sieges[isV4: isV4].look(
        turnedAway: admission.turnedAway[isV4: isV4], dropped: dropped[isV4: isV4], at: now.instant)
    }
    if let refusal {
      log(.error, "the kernel does not thin out strangers", Alert.Fact("error", refusal))
    }
    let shares = sieges.map(\.share)
    guard before != shares || shares != ByFamily(both: nil) else { return }
    // Each time anew: somebody may have proven himself.
    let sieve: Sieve? =
      shares == ByFamily(both: nil)
      ? nil : admission.sieve(shares: shares, dice: dice.next(), at: now.instant)
    output.sieve = .some(sieve)
    for isV4 in [true, false] {
      let family = Alert.Fact("family", isV4 ? "IPv4" : "IPv6")
      switch (before[isV4: isV4], shares[isV4: isV4]) {
      case (nil, .some):
        let isThinned = sieve?.program(isV4: isV4) != nil
        let words = isThinned ? "yes" : "no: too many places or networks are known"
        log(.warning, "strangers send a flood", family, Alert.Fact("thinned out", words))
      case (.some, nil): log(.warning, "the flood is over", family)
      case (nil, nil), (.some, .some): break
      }
    }
  }
}
