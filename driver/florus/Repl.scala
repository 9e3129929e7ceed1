// The Scala interpreter of a session. Compiled at its first statement by the compiler that Spark brings, so that it
// fits whatever Spark is there; what differs between Scala 2.12 and 2.13 is in Maker212.scala and Maker213.scala.
package florus.session

import java.io.{ByteArrayOutputStream, PrintStream, PrintWriter}
import java.nio.charset.StandardCharsets.UTF_8

import scala.tools.nsc.Settings
import scala.tools.nsc.interpreter.Results

/** Keeps the first `limit` bytes that are written, and counts the others. */
final class Kept(limit: Int) extends java.io.OutputStream {
  private val bytes = new ByteArrayOutputStream
  private var dropped = 0L
  private var told = 0

  override def write(b: Int): Unit = write(Array(b.toByte), 0, 1)

  override def write(from: Array[Byte], at: Int, n: Int): Unit = synchronized {
    val keep = math.max(0, math.min(n, limit - bytes.size))
    bytes.write(from, at, keep)
    dropped += n - keep
  }

  /** What came since the last call. */
  def fresh(): String = synchronized {
    val all = bytes.toByteArray
    val text = new String(all, told, all.length - told, UTF_8)
    told = all.length
    text
  }

  def take(): String = synchronized {
    val text = new String(bytes.toByteArray, UTF_8)
    val more = if (dropped > 0) s"\n[$dropped more bytes were dropped]" else ""
    bytes.reset()
    dropped = 0
    told = 0
    text + more
  }
}

final class Repl(classDir: String, userJars: String, limit: Int) {
  private val kept = new Kept(limit)
  private val stream = new PrintStream(kept, true, "UTF-8")
  private val settings = {
    val s = new Settings(message => System.err.println(message))
    val jars = if (userJars.isEmpty) Nil else List("-classpath", userJars)
    s.processArguments(List("-Yrepl-class-based", "-Yrepl-outdir", classDir) ++ jars, processAll = true)
    s.usejavacp.value = true
    s
  }
  private val intp = Maker.make(settings, new PrintWriter(stream, true))
  @volatile private var worker: Thread = null

  /** The verdict ("ok", "error", "incomplete"), then what was printed. */
  def run(code: String): Array[String] = {
    worker = Thread.currentThread
    try Console.withOut(stream)(Console.withErr(stream)(runLines(code.trim.split("\n").toList)))
    catch {
      case e: Throwable =>
        kept.take()
        Array("error", e.toString)
    } finally {
      worker = null
      Thread.interrupted()
    }
  }

  /** Line by line, glued together while they make no sense alone: a line may be the begin of something longer. */
  private def runLines(lines: List[String]): Array[String] = {
    val text = new StringBuilder
    var glued = ""
    var left = lines
    while (left.nonEmpty) {
      val line = if (glued.isEmpty) left.head else glued + "\n" + left.head
      left = left.tail
      verdict(line) match {
        case Results.Success =>
          glued = ""
          text ++= kept.take()
        case Results.Incomplete =>
          glued = line
          kept.take()
        case Results.Error =>
          return Array("error", kept.take())
      }
    }
    if (glued.isEmpty) Array("ok", text.toString) else Array("incomplete", "")
  }

  /** One compiler waits for what follows a comment, the other calls nothing at all an error. */
  private def verdict(code: String): Results.Result = if (isComment(code)) Results.Success else intp.interpret(code)

  private def isComment(code: String): Boolean =
    code.replaceAll("(?s)/\\*.*?\\*/", "").split("\n").forall(line => line.trim.isEmpty || line.trim.startsWith("//"))

  def fresh(): String = kept.fresh()

  /** Asks the statement that runs to stop: what waits or sleeps does, what only computes does not. */
  def interrupt(): Unit = {
    val running = worker
    if (running != null) running.interrupt()
  }

  def bind(name: String, kind: String, value: Object): Unit = {
    intp.beQuietDuring(intp.bind(name, kind, value, List("@transient")))
    kept.take()
  }

  def quietly(code: String): Unit = {
    intp.beQuietDuring(intp.interpret(code))
    kept.take()
  }

  def valueOf(name: String): Object = intp.valueOfTerm(name).map(_.asInstanceOf[Object]).orNull

  /** {"value":…}, or {"failed":true} for what has no form in JSON. RDDs give their first ten. */
  def toJson(value: Object): String = {
    import org.json4s.jackson.Serialization
    val taken = value match {
      case rdd: org.apache.spark.rdd.RDD[_] => rdd.asInstanceOf[org.apache.spark.rdd.RDD[Any]].take(10).toSeq
      case other => other
    }
    try Serialization.write(Map("value" -> taken))(org.json4s.DefaultFormats)
    catch { case _: Exception => """{"failed":true}""" }
  }

  def complete(code: String, cursor: Int): Array[String] = Maker.complete(intp, code, cursor)
}
