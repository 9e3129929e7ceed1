package florus.session

import java.io.PrintWriter

import scala.tools.nsc.Settings
import scala.tools.nsc.interpreter.{IMain, JPrintWriter, PresentationCompilerCompleter}

object Maker {
  def make(settings: Settings, out: PrintWriter): IMain = {
    val intp = new IMain(settings, out) {
      override protected def parentClassLoader: ClassLoader = Thread.currentThread.getContextClassLoader
    }
    intp.initializeSynchronous()
    intp
  }

  def complete(intp: IMain, code: String, cursor: Int): Array[String] =
    new PresentationCompilerCompleter(intp).complete(code, cursor).candidates.toArray
}
