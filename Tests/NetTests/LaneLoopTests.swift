import Dispatch
import Elements
import Net
import Synchronization
import Testing

/// Wants a turn every so often and writes down how late each was.
private final class Metronome: LaneResident {
  private(set) var deadline: Instant?
  private let interval: Duration
  private let done: @Sendable ([Duration]) -> Void
  private var lateness: [Duration] = []
  private let beats: Int

  init(every interval: Duration, beats: Int, done: @escaping @Sendable ([Duration]) -> Void) {
    (self.interval, self.beats, self.done) = (interval, beats, done)
    deadline = Clocks.instant() + interval
  }

  func turn(at now: Now) {
    guard let due = deadline, due <= now.instant else { return }
    lateness.append(now.instant - due)
    deadline = lateness.count < beats ? now.instant + interval : nil
    if deadline == nil { done(lateness) }
  }
}

@Suite struct LaneLoopTests {
  @Test("a deadline is never early, and less than a millisecond late on a free machine")
  func deadlines() throws {
    let measured = Mutex<[Duration]>([])
    let finished = DispatchSemaphore(value: 0)
    let lane = try LaneThread(name: "test", waker: try LaneWaker(), failed: { _ in }) { loop in
      let metronome = Metronome(every: .microseconds(1_300), beats: 50) { lateness in
        measured.withLock { $0 = lateness }
        finished.signal()
      }
      _ = loop.add(metronome)
    }
    #expect(finished.wait(timeout: .now() + 10) == .success)
    lane.stop()
    let lateness = measured.withLock { $0.sorted() }
    #expect(lateness.count == 50)
    #expect(lateness.first.map { $0 >= .zero } == true)
    // The best quarter tells the clock's precision; the rest tells about the neighbours.
    #expect(lateness[12] < .milliseconds(1))
  }

  @Test("an error while the lane is populated is thrown where it was started")
  func failedStart() throws {
    let waker = try LaneWaker()
    #expect(throws: NetError.configuration("no")) {
      _ = try LaneThread(name: "test", waker: waker, failed: { _ in }) {
        _ throws(NetError) in throw .configuration("no")
      }
    }
  }

  @Test("a moment rounds up to a grain of time, never down")
  func grains() {
    let grain = Duration.milliseconds(10)
    #expect(Instant.start.roundedUp(to: grain) == .start)
    #expect((Instant.start + .nanoseconds(1)).roundedUp(to: grain) == .start + grain)
    #expect((Instant.start + grain).roundedUp(to: grain) == .start + grain)
    #expect((Instant.start + .milliseconds(19)).roundedUp(to: grain) == .start + .milliseconds(20))
    #expect(Instant.never.roundedUp(to: grain) == .never)
  }

  @Test("both clocks go on, and the wall clock is that of the world")
  func clocks() {
    let (first, second) = (Clocks.now(), Clocks.now())
    #expect(first.instant <= second.instant)
    #expect(first.wall > WallTime(unixMilliseconds: 1_750_000_000_000))
  }
}
