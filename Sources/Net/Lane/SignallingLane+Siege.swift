import Elements
import Glibc
import Guard
import Switch

extension SignallingLane {
  /// Tells the switch what the kernel dropped, so that it sees a flood that never reaches it.
  func lookAround(at now: Now) {
    lookAt = now.instant + Siege.interval
    for port in ports {
      let dropped = port.takeDropped()
      counters.datagramsUnheard += dropped
      unheard[port.local.address] += dropped
    }
    handle(.unheard(unheard, refusal: refusals.take()), at: now)
  }

  /// Where the kernel refuses a program, everything reaches the switch, which drops it itself; while the siege lasts each look
  /// brings another sieve, and so another try.
  func sift(_ sieve: Sieve?) {
    isSifting = sieve != nil
    var (refusal, isTooMuch) = (Int32(0), false)
    for port in ports {
      var program: [SieveStep]? = []
      if let sieve { program = sieve.program(isV4: port.local.address.isV4) }
      isTooMuch = isTooMuch || program == nil
      let result = port.socket.sift(program ?? [])
      if result != 0 { refusal = result }
    }
    if refusal != 0 || isTooMuch { counters.sievesRefused += 1 }
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
