// Browsers start no Worker from a file: URL, and the search of the site is one. There an invisible frame stands for it.
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(url) {
      super();
      const frame = document.createElement("iframe");
      frame.hidden = true;
      document.documentElement.append(frame);
      const inside = frame.contentWindow;
      inside.postMessage = (data) => this.dispatchEvent(new MessageEvent("message", { data }));
      inside.importScripts = (...urls) => Promise.all(urls.map((each) => this.load(inside, each)));
      this.frame = frame;
      this.ready = this.load(inside, url);
    }

    load(inside, url) {
      return new Promise((loaded, failed) => {
        const script = inside.document.createElement("script");
        script.src = url;
        script.onload = loaded;
        script.onerror = failed;
        inside.document.documentElement.append(script);
      });
    }

    postMessage(data) {
      const inside = this.frame.contentWindow;
      this.ready.then(() => inside.dispatchEvent(new MessageEvent("message", { data })));
    }

    terminate() {
      this.frame.remove();
    }
  };
}
