import Dispatch
import Elements
import Foundation
import Glibc
import Synchronization
import UnixSignals

/// Something that the director has to know, in the order in which it came.
enum Happening: Sendable {
  case report(from: String, AgentLine)
  /// A line of the server, which speaks to people.
  case line(from: String, String)
  case ended(String)
  /// Ctrl-C, or the end of the terminal.
  case interrupted
}

/// The queue between the threads that read and the one that directs.
final class Happenings: Sendable {
  private let queue = Mutex<[Happening]>([])
  private let count = DispatchSemaphore(value: 0)

  func add(_ happening: Happening) {
    queue.withLock { $0.append(happening) }
    count.signal()
  }

  /// The next one; nil when none came in time.
  func next(before end: ContinuousClock.Instant) -> Happening? {
    let left = max(.zero, end - .now).wholeMilliseconds
    guard count.wait(timeout: .now() + .milliseconds(Int(left) + 1)) == .success else { return nil }
    return queue.withLock { $0.isEmpty ? nil : $0.removeFirst() }
  }

  /// Takes what a child writes: reports as such, everything else as lines.
  func follow(_ child: ChildProcess) {
    let name = child.name
    child.read { [self] line in
      guard let line else { return add(.ended(name)) }
      if let report = try? JSONDecoder().decode(AgentLine.self, from: Data(line.utf8)) {
        add(.report(from: name, report))
      } else {
        add(.line(from: name, line))
      }
    }
  }

  /// Turns the signals that end a program into happenings, so that nothing is left behind.
  func followSignals() async -> Task<Void, Never> {
    // Whoever reads our output may go away first; that is no reason to leave processes behind.
    signal(SIGPIPE, SIG_IGN)
    let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint, .sighup)
    return Task { for await _ in signals { add(.interrupted) } }
  }
}
