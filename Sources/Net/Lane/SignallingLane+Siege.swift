import Elements
import Guard
import Switch

extension SignallingLane {
  /// Tells the switch what the kernel dropped, so that it sees a flood that never reaches it.
  func lookAround(at now: Now) {
    lookAt = now.instant + Siege.interval
    counters.datagramsUnheard += ports.reduce(0) { $0 + $1.takeDropped() }
    handle(.unheard(counters.datagramsUnheard), at: now)
  }

  /// Where the kernel refuses a program, everything reaches the switch, which drops it itself.
  func sift(_ sieve: Sieve?) {
    isSifting = sieve != nil
    for port in ports {
      _ = port.socket.sift(sieve?.program(isV4: port.local.address.isV4) ?? [])
    }
  }
}
