import Elements
import Glibc
import Synchronization

/// One process with one subject: tries its inputs, times its work and remembers the slowest.
struct Run {
  /// The one that libFuzzer feeds.
  static let current = Mutex(Run())

  /// No input may take longer: 10 ms of the release build, of which the sanitized one takes five to ten times as many.
  static let longest = Duration.milliseconds(50)
  private static let repetitions = 8
  /// Inputs of which one is pumped up.
  private static let pumpedOf: UInt64 = 16

  private let attempt: (_ input: [UInt8], _ isWhole: Bool) -> Duration
  private let mostBytes: Int
  private var slowest = Slowest()

  private init() {
    let name = CommandLine.arguments.compactMap { $0.split(separator: "=") }
      .last { $0.count == 2 && $0[0] == "--subject" }
    guard let name, let made = Self.subjects.first(where: { $0.name == name[1] }) else {
      let names = Self.subjects.map { $0.name }.joined(separator: " ")
      fatalError("--subject=NAME is missing; there are \(names)")
    }
    (attempt, mostBytes) = Self.start(made)
    atexit { Run.current.withLock { $0.slowest.tell() } }
  }

  private static func start(
    _ subject: (some Subject).Type
  ) -> (attempt: (_ input: [UInt8], _ isWhole: Bool) -> Duration, mostBytes: Int) {
    let made = require("the subject starts") { try subject.init() }
    return (
      { input, isWhole in
        let began = threadTime()
        let outcome = made.work(input)
        let spent = threadTime() - began
        if isWhole { made.check(outcome, of: input) }
        return spent
      }, subject.mostBytes
    )
  }

  /// Tries an input, and of some inputs a pumped up one: what is quadratic shows when it is long.
  mutating func take(_ input: [UInt8]) {
    let input = Array(input.prefix(mostBytes))
    time(input, isWhole: true)
    var dice = SplitMix(seed: fingerprint(of: input))
    guard !input.isEmpty, dice.next() % Self.pumpedOf == 0 else { return }
    time(pumped(input, by: &dice), isWhole: false)
  }

  private mutating func time(_ input: [UInt8], isWhole: Bool) {
    var spent = attempt(input, isWhole)
    guard slowest.isBeaten(by: spent, for: input) || spent > Self.longest else { return }
    // Whatever else the machine did meanwhile is not the input's fault.
    for _ in 0..<Self.repetitions { spent = min(spent, attempt(input, false)) }
    slowest.note(spent, for: input)
    guard spent > Self.longest else { return }
    slowest.keep(input)
    fatalError("found: \(input.count) bytes took \(spent)")
  }

  /// The input with one piece of it repeated until it is as long as may be.
  private func pumped(_ input: [UInt8], by dice: inout SplitMix) -> [UInt8] {
    let lower = Int.random(in: 0..<input.count, using: &dice)
    let longest = min(input.count - lower, dice.next() % 2 == 0 ? 8 : 256)
    let piece = input[lower..<lower + Int.random(in: 1...longest, using: &dice)]
    let room = mostBytes - input.count
    var pumped = Array(input[..<lower])
    pumped.reserveCapacity(mostBytes)
    for _ in 0..<room / piece.count { pumped += piece }
    return pumped + input[lower...]
  }
}

/// The input that took longest for its size.
struct Slowest {
  /// Inputs below count as long as this, or the shortest would always be the slowest.
  static let least = 1024

  private var perKilobyte = Duration.zero
  private var bytes = 0

  private func rate(_ spent: Duration, _ input: [UInt8]) -> Duration {
    spent * 1024 / max(input.count, Self.least)
  }

  func isBeaten(by spent: Duration, for input: [UInt8]) -> Bool {
    rate(spent, input) > perKilobyte
  }

  mutating func note(_ spent: Duration, for input: [UInt8]) {
    guard isBeaten(by: spent, for: input) else { return }
    (perKilobyte, bytes) = (rate(spent, input), input.count)
    keep(input)
  }

  /// Writes an input to the file that the environment names.
  func keep(_ input: [UInt8]) {
    guard let path = getenv("MARTINET_FUZZ_SLOWEST"), let file = fopen(path, "w") else { return }
    fwrite(input, 1, input.count, file)
    fclose(file)
  }

  func tell() {
    let tenths = perKilobyte.wholeNanoseconds / 100
    print("slowest: \(tenths / 10).\(tenths % 10) us per kilobyte (\(bytes) bytes)")
  }
}

/// CPU time of this thread: other programs do not count.
func threadTime() -> Duration {
  var time = timespec()
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
  return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
}

/// A number that depends on every byte (FNV-1a), so that what is random about an input is the same each time.
func fingerprint(of input: [UInt8]) -> UInt64 {
  input.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
}
