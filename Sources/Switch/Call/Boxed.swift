/// A large value in a place of its own on the heap: handed on it is one pointer, and changed where it is.
///
/// An array of one, which copies on write like every array.
struct Boxed<Value: Sendable>: Sendable {
  private var place: [Value]

  init(_ value: consuming Value) {
    place = [value]
  }

  var value: Value {
    @inline(__always) get { place[0] }
    @inline(__always) _modify { yield &place[0] }
  }
}
