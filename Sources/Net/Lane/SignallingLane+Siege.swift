import Elements
import Glibc
import Guard
import Switch

extension SignallingLane {
  /// Tells the switch what the kernel dropped, so that it sees a flood that never reaches it.
  func lookAround(at now: Now) {
    lookAt = now.instant + Siege.interval
    counters.datagramsUnheard += ports.reduce(0) { $0 + $1.takeDropped() }
    handle(.unheard(counters.datagramsUnheard, refusal: refusals.take()), at: now)
  }

  /// Where the kernel refuses a program, everything reaches the switch, which drops it itself.
  func sift(_ sieve: Sieve?) {
    isSifting = sieve != nil
    let programs = [true, false].map { isV4 in sieve?.program(isV4: isV4) ?? [] }
    let results = ports.map { $0.socket.sift(programs[$0.local.address.isV4 ? 0 : 1]) }
    let refusal = results.first { $0 != 0 } ?? 0
    if refusal != 0 { counters.sievesRefused += 1 }
    refusals.note(refusal)
  }
}

/// Why the kernel takes no sieve: news when it is another reason than at the last try.
struct SieveRefusals {
  private var errno: Int32 = 0
  private var isNews = false

  /// What came of a try: 0 or an errno.
  mutating func note(_ errno: Int32) {
    guard errno != self.errno else { return }
    (self.errno, isNews) = (errno, errno != 0)
  }

  /// The news, once.
  mutating func take() -> String? {
    guard isNews else { return nil }
    isNews = false
    return String(cString: strerror(errno))
  }
}
