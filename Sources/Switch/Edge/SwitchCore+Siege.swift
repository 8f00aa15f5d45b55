import Elements
import Guard

// Floods that would fill the sockets' queues: strangers are thinned out where that costs least.

extension SwitchCore {
  /// Looks at what was turned away since the last time, by us and by the kernel.
  mutating func lookAround(dropped: UInt64, refusal: String?, at now: Now) {
    let was = siege.share != nil
    siege.look(turnedAway: admission.turnedAway, dropped: dropped, at: now.instant)
    if let refusal {
      log(.error, "the kernel does not thin out strangers", Alert.Fact("error", refusal))
    }
    guard let share = siege.share else {
      guard was else { return }
      output.sieve = .some(nil)
      return log(.warning, "the flood is over")
    }
    // Each time anew: somebody may have proven himself.
    let sieve = admission.sieve(share: share, dice: dice.next(), at: now.instant)
    output.sieve = .some(sieve)
    guard !was else { return }
    let words = sieve == nil ? "no: too many places or networks are known" : "yes"
    log(.warning, "strangers send a flood", Alert.Fact("thinned out", words))
  }
}
